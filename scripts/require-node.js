// Preloaded with --import. Plain JavaScript, so that an old Node can still read it.
import "./early-signals.js";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
// The first Node that strips types without a flag, and graphile-worker's own minimum.
const isNewEnough = major > 22 || (major === 22 && minor >= 18);
if (!isNewEnough) {
  console.error(
    `Orbit Jobs needs Node 22.18 or newer; this is Node ${process.versions.node}.\n` +
      "On Linux x64 `npm ci` installs a Node 24 for the npm scripts: use `npm start`, not `node` directly.\n" +
      "On other systems, install a current Node from https://nodejs.org and run `npm ci` again.",
  );
  process.exit(1);
}
