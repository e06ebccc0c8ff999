#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# FAKE: the password is planted and the host does not exist.
set -eu
curl -u "deployer:PCxe6bNQsxAAt9HSjSuI7OMk" https://shop.example.com/deploy
export DATABASE_URL="postgres://shop:PCxe6bNQsxAAt9HSjSuI7OMk@db.example.com:5432/shop"
