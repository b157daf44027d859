"""The command line: options, configuration and exit statuses. Each command declares and wires, ``ops`` works."""
