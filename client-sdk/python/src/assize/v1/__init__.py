"""Messages and stubs of the wire contract `assize.v1`, generated; `make-stubs` makes them anew."""
