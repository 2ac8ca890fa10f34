"""Serves the verbs of a driver in Python: each is a method of an object."""

import sys
import traceback


def lines():
    for line in sys.stdin:
        yield line.rstrip("\n").split("\t")


def answer(data):
    if data is None:
        data = []
    if not isinstance(data, (list, tuple)):
        data = [data]
    for value in data:
        print("=", value)
    print("ok", flush=True)


def refuse(err):
    traceback.print_exc(file=sys.stderr)
    print("fail", type(err).__name__, str(err).replace("\n", " "), flush=True)


def serve(client):
    for verb, *words in lines():
        try:
            answer(getattr(client, verb)(*words))
        except Exception as err:
            refuse(err)


async def serve_async(client):
    for verb, *words in lines():
        try:
            answer(await getattr(client, verb)(*words))
        except Exception as err:
            refuse(err)
