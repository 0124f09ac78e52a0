"""What every other package stands on: identifiers, time, units, status codes, errors, settings, texts, logs.

Nothing here opens a socket or a database.
"""
