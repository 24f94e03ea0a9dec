// Loaded before the entry with --import: plain JavaScript, so that an old Node can still read it.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
// The first of each line that resolves "#/…", as package.json says under "engines".
const isNewEnough = major > 25 || (major === 25 && minor >= 4) || (major === 24 && minor >= 14);
if (!isNewEnough) {
  console.error(
    `Orbit Jobs needs Node 24.14 or newer (of 25, 25.4); this is Node ${process.versions.node}.\n` +
      "On Linux x64 `npm ci` brings its own Node 24: use `npm start`, not `node` directly.\n" +
      "Elsewhere install a current Node from https://nodejs.org and run `npm ci` again.",
  );
  process.exit(1);
}
