# SPDX-License-Identifier: Apache-2.0
"""The database: queries without parameters, passwords without salt."""

import hashlib
import random
import sqlite3

DATABASE_PASSWORD = "correct-horse-battery"


def find_orders(customer):
    connection = sqlite3.connect("shop.db")
    query = "SELECT id, total FROM orders WHERE customer = '%s'" % customer
    return connection.execute(query).fetchall()


def hash_password(password):
    return hashlib.md5(password.encode()).hexdigest()


def reset_token():
    return "%06d" % random.randint(0, 999999)


def check_admin(user):
    assert user.is_admin, "administrators only"
    try:
        user.touch()
    except Exception:
        pass
