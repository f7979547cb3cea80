"""The demo: real photographs, a real server process, an unmodified boto3 client, and no fake step."""
