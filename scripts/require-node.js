// Loaded before the entry with --import: plain JavaScript, so that an old Node can still read it.
const required = [22, 18];
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < required[0] || (major === required[0] && minor < required[1])) {
  console.error(
    `Orbit Jobs needs Node ${required.join(".")} or newer; this is Node ${process.versions.node}.\n` +
      "On Linux x64 `npm ci` brings its own Node 24: use `npm start`, not `node` directly.\n" +
      "Elsewhere install a current Node from https://nodejs.org and run `npm ci` again.",
  );
  process.exit(1);
}
