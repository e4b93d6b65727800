"""The desk, put together and served: ``python app.py``."""

from __future__ import annotations

import os

from sionamespace import Server

from api import make_api
from desk import Desk
from namespaces import Customers, make_namespaces
from staff import Person

ACCOUNTS = {
    "token-of-cleo": Person("Cleo", "customer"),
    "token-of-abe": Person("Abe", "agent"),
    "token-of-sue": Person("Sue", "supervisor"),
}
"""In an application of your own these come from where its people log in."""

desk = Desk()
namespaces = make_namespaces(ACCOUNTS, desk)
server = Server(namespaces)
customers = namespaces["/customers"]
assert isinstance(customers, Customers)
app = server.wsgi(make_api(desk, customers))

if __name__ == "__main__":
    server.run(os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "5000")), app=app)
