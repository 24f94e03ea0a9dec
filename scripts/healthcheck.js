// Ends with 0 when the API of this machine answers GET /health with 200: the image's HEALTHCHECK.
const port = process.env.PORT || 4002;
try {
  const response = await fetch(`http://127.0.0.1:${port}/health`, {
    signal: AbortSignal.timeout(4_000),
  });
  process.stdout.write(await response.text());
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  process.stderr.write(`GET /health failed: ${error.cause?.message || error.message}\n`);
  process.exitCode = 1;
}
