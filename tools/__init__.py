"""What generates documentation from the project itself. Nothing here is installed with the command."""
