"""Reading what models really send: where the answer stands, and what it says; pure."""
