"""What a customer runs beside its own application, to hold the operator to its word. Public: `candid.client.receipts`.

It knows replies, receipts and the public files of a log. It must know nothing of a server, and importing it loads
neither an SDK nor a model.
"""
