"""The fixtures that dcmnet offers to the tests of others serve its own as well."""

pytest_plugins = ["dcmnet_cli.testing"]
