"""What holds for all tests. The fixtures that dcmnet offers to the tests of others serve its own as well."""

from hypothesis import settings

pytest_plugins = ["dcmnet_cli.testing"]

# A test that took too long on a busy machine says nothing about the product.
settings.register_profile("dcmnet", deadline=None)
settings.load_profile("dcmnet")
