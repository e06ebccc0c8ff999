# SPDX-License-Identifier: Apache-2.0
"""A small shop with a hole in every wall. Never run it where others can reach it."""
