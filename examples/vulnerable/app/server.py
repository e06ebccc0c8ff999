# SPDX-License-Identifier: Apache-2.0
"""The web front: every handler trusts its caller."""

import os
import pickle
import subprocess
import tempfile

import requests
import yaml
from flask import Flask, make_response, redirect, render_template_string, request

from app import store

app = Flask(__name__)
app.secret_key = "not-a-secret-anymore"


@app.route("/orders")
def orders():
    # SQL injection: the query is glued together from the request.
    return {"orders": store.find_orders(request.args.get("customer", ""))}


@app.route("/ping")
def ping():
    # Command injection: the host goes through a shell.
    host = request.args.get("host", "127.0.0.1")
    return subprocess.check_output("ping -c 1 " + host, shell=True)


@app.route("/price")
def price():
    # Code injection: a formula from the request is evaluated.
    return str(eval(request.args["formula"]))


@app.route("/import", methods=["POST"])
def import_catalogue():
    # Unsafe deserialisation, twice.
    if request.content_type == "application/x-yaml":
        catalogue = yaml.load(request.data, Loader=yaml.Loader)
    else:
        catalogue = pickle.loads(request.data)
    return {"items": len(catalogue)}


@app.route("/hello")
def hello():
    # Template injection, and with it cross-site scripting.
    return render_template_string("<h1>Hello " + request.args.get("name", "") + "</h1>")


@app.route("/leave")
def leave():
    # Open redirect.
    return redirect(request.args["to"])


@app.route("/proxy")
def proxy():
    # Server-side request forgery, without certificate checks and without a timeout.
    return requests.get(request.args["url"], verify=False).text


@app.route("/download")
def download():
    # Path traversal.
    with open(os.path.join("/srv/files", request.args["file"])) as file:
        return file.read()


@app.route("/export")
def export():
    # A predictable temporary file that everybody may write.
    path = tempfile.mktemp()
    with open(path, "w") as file:
        file.write(request.args.get("text", ""))
    os.chmod(path, 0o777)
    response = make_response(path)
    response.set_cookie("session", request.args.get("session", ""), secure=False, httponly=False)
    return response


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=8080, debug=True)
