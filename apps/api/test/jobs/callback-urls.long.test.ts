import { expect, test } from "vitest";
import { deliver } from "../support/callback-deliveries.ts";

// More spellings of callback-urls.test.ts.

test.each([
  ["a plain host", "http://127.0.0.1:PORT", "http://127.0.0.1:PORT"],
  ["an encoded space", "http://127.0.0.1:PORT/my%20api/", "http://127.0.0.1:PORT/my%20api"],
  ["letters beyond ASCII", "http://127.0.0.1:PORT/größe", "http://127.0.0.1:PORT/gr%C3%B6%C3%9Fe"],
  ["encoded dot segments", "http://127.0.0.1:PORT/a/%2E%2e/b", "http://127.0.0.1:PORT/b"],
  ["backslashes", "http:\\\\127.0.0.1:PORT\\a", "http://127.0.0.1:PORT/a"],
  ["a short IPv4 address", "http://127.1:PORT", "http://127.0.0.1:PORT"],
  [
    "quotes and braces",
    `http://127.0.0.1:PORT/"{a}"'|^`,
    `http://127.0.0.1:PORT/%22%7Ba%7D%22'|%5E`,
  ],
  ["slashes in a row", "http://127.0.0.1:PORT//a//", "http://127.0.0.1:PORT//a"],
  ["a percent sign alone", "http://127.0.0.1:PORT/100%", "http://127.0.0.1:PORT/100%"],
  ["a leading zero in the port", "https://api.example.com:00443", "https://api.example.com"],
  ["full-width letters", "https://ａｐｉ.example.com", "https://api.example.com"],
  ["an IPv6 address", "https://[2001:DB8:0::1]/", "https://[2001:db8::1]"],
  ["white space around it", " https://api.example.com/ \n", "https://api.example.com"],
])("%s: deliveries of every kind are verified", async (_title, written, expected) => {
  expect(await deliver(written)).toEqual([expected]);
});
