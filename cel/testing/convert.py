#!/usr/bin/env python3
"""Turns the published cases of cel-spec (tests/simple/testdata/*.textproto, https://github.com/google/cel-spec, Apache License 2.0) into
the JSON that spec_test.c reads: convert.py FROM TO. One file each; a case is what an expression gives, an error, or a value that only
protobuf messages have ("message": true), which Kubernetes has no use for."""
import base64
import json
import os
import re
import sys

TOKEN = re.compile(rb"""\s*(?:\#[^\n]*\s*)*(?:
    (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|
    (?P<word>[-+]?[A-Za-z0-9_.+-]+)|
    (?P<any>\[[^\]\s"']*/[^\]\s]*\])|
    (?P<mark>[{}:\[\],<>;]))""", re.X | re.S)


def unescape(raw):
    out, i = bytearray(), 0
    simple = {ord(c): ord(v) for c, v in zip("abfnrtv\\'\"?", "\a\b\f\n\r\t\v\\'\"?")}
    while i < len(raw):
        c = raw[i]
        if c != 0x5C:
            out.append(c)
            i += 1
            continue
        n = raw[i + 1]
        if n in simple:
            out.append(simple[n])
            i += 2
        elif n in b"xX":
            m = re.match(rb"[0-9a-fA-F]{1,2}", raw[i + 2:])
            out.append(int(m.group(), 16))
            i += 2 + len(m.group())
        elif n in b"uU":
            size = 4 if n == ord("u") else 8
            out += chr(int(raw[i + 2:i + 2 + size], 16)).encode("utf-8", "surrogatepass")
            i += 2 + size
        else:
            m = re.match(rb"[0-7]{1,3}", raw[i + 1:])
            out.append(int(m.group(), 8) & 255)
            i += 1 + len(m.group())
    return bytes(out)


class Message(list):
    """Fields as (name, value)."""


class Parser:
    """Protobuf's text format as far as the cases use it: a message is a list of (name, value)."""

    def __init__(self, text):
        self.tokens, at = [], 0
        while at < len(text):
            m = TOKEN.match(text, at)
            if not m:
                break
            self.tokens.append((m.lastgroup, m.group(m.lastgroup)))
            at = m.end()
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else (None, b"")

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def scalar(self):
        kind, text = self.take()
        if kind != "string":
            return text.decode()
        raw = unescape(text[1:-1])
        while self.peek()[0] == "string":
            raw += unescape(self.take()[1][1:-1])
        return raw

    def value(self):
        if self.peek()[1] in (b"{", b"<"):
            self.take()
            return self.message()
        if self.peek()[1] == b"[":
            self.take()
            items = []
            while self.peek()[1] != b"]":
                items.append(self.value())
                if self.peek()[1] == b",":
                    self.take()
            self.take()
            return items
        return self.scalar()

    def message(self):
        fields = Message()
        while self.peek()[0] is not None and self.peek()[1] not in (b"}", b">"):
            name = self.take()[1].decode().strip("[]")
            if self.peek()[1] == b":":
                self.take()
            value = self.value()
            fields += [(name, v) for v in value] if isinstance(value, list) and not isinstance(value, Message) else [(name, value)]
            if self.peek()[1] in (b",", b";"):
                self.take()
        if self.peek()[0] is not None:
            self.take()
        return fields


def get(message, name, default=None):
    return next((v for n, v in message if n == name), default)


def text(raw):
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw


def number(message, name):
    return int(get(message, name, "0"))


def value(message):
    if not message:
        return {"message": True}
    name, v = message[0]
    if name == "null_value":
        return {"null": True}
    if name == "bool_value":
        return {"bool": v == "true"}
    if name in ("int64_value", "uint64_value"):
        return {name[:-8]: v}
    if name == "double_value":
        return {"double": v}
    if name == "string_value":
        return {"string": text(v)}
    if name == "bytes_value":
        return {"bytes": base64.b64encode(v).decode()}
    if name == "type_value":
        return {"type": text(v)}
    if name == "list_value":
        return {"list": [value(item) for n, item in v if n == "values"]}
    if name == "map_value":
        return {"map": [[value(get(e, "key")), value(get(e, "value"))] for n, e in v if n == "entries"]}
    if name == "object_value" and v:
        kind, inner = v[0]
        if kind.endswith("google.protobuf.Duration"):
            return {"duration": [number(inner, "seconds"), number(inner, "nanos")]}
        if kind.endswith("google.protobuf.Timestamp"):
            return {"timestamp": [number(inner, "seconds"), number(inner, "nanos")]}
    return {"message": True}


def kind(message):
    """A type as the signatures of cel/env.h write it; None: of messages."""
    if not message:
        return None
    name, v = message[0]
    primitive = {"INT64": "int", "UINT64": "uint", "DOUBLE": "double", "BOOL": "bool", "STRING": "string", "BYTES": "bytes"}
    if name == "primitive":
        return primitive[v]
    if name == "dyn":
        return "dyn"
    if name == "null":
        return "null_type"
    if name == "well_known":
        return {"TIMESTAMP": "timestamp", "DURATION": "duration"}.get(v)
    if name == "list_type":
        inner = kind(get(v, "elem_type"))
        return inner and f"list({inner})"
    if name == "map_type":
        key, inner = kind(get(v, "key_type")), kind(get(v, "value_type"))
        return key and inner and f"map({key}, {inner})"
    if name == "type":
        inner = kind(v)
        return f"type({inner})" if inner else None
    if name == "abstract_type" and get(v, "name") == b"optional_type":
        inner = kind(get(v, "parameter_types"))
        return inner and f"optional({inner})"
    return None


def case(test):
    out = {"name": text(get(test, "name")), "expr": text(get(test, "expr"))}
    if get(test, "container"):
        out["container"] = text(get(test, "container"))
    if get(test, "disable_check") == "true":
        out["unchecked"] = True
    if get(test, "disable_macros") == "true":
        out["no_macros"] = True
    if get(test, "check_only") == "true":
        out["check_only"] = True
    variables, bindings = [], []
    for name, decl in test:
        if name == "type_env":
            ident = get(decl, "ident")
            variables.append([text(get(decl, "name")), kind(get(ident, "type")) if ident else None])
        if name == "bindings":
            bound = get(get(decl, "value", []), "value")
            bindings.append([text(get(decl, "key")), value(bound) if bound else {"message": True}])
    if variables:
        out["variables"] = variables
    if bindings:
        out["bindings"] = bindings
    if get(test, "eval_error") is not None or get(test, "any_eval_errors") is not None:
        out["error"] = True
    elif get(test, "value") is not None:
        out["value"] = value(get(test, "value"))
    elif get(test, "typed_result") is not None:
        result = get(get(test, "typed_result"), "result")
        if result is not None:
            out["value"] = value(result)
        deduced = get(get(test, "typed_result"), "deduced_type")
        if deduced is not None:
            out["type"] = kind(deduced)
    elif get(test, "unknown") is not None or get(test, "any_unknowns") is not None:
        out["value"] = {"message": True}
    else:
        out["value"] = {"bool": True}
    return out


def main():
    source, to = sys.argv[1:3]
    for name in sorted(os.listdir(source)):
        if not name.endswith(".textproto"):
            continue
        with open(os.path.join(source, name), "rb") as f:
            message = Parser(f.read()).message()
        sections = [{"name": text(get(s, "name")), "tests": [case(t) for n, t in s if n == "test"]} for key, s in message if key == "section"]
        out = {"source": f"https://github.com/google/cel-spec tests/simple/testdata/{name}, Apache License 2.0", "sections": sections}
        with open(os.path.join(to, name.replace(".textproto", ".json")), "w") as f:
            json.dump(out, f, ensure_ascii=True, separators=(",", ":"))
            f.write("\n")


main()
