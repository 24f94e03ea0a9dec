import { registerHooks } from "node:module";

// Preloaded by host-app.test.ts: the app loads providers.ts as if it ended with the line in APPENDED_LINE.

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith("/apps/api/src/jobs/providers.ts")) return loaded;
    const { source } = loaded;
    const text = typeof source === "string" ? source : new TextDecoder().decode(source);
    return { ...loaded, source: `${text}\n${process.env["APPENDED_LINE"]}\n` };
  },
});
