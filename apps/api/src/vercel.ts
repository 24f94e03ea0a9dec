import { openServerlessApp } from "#src/serverless.ts";

/** The whole API as a Vercel function on Node. */
// oxlint-disable-next-line import/no-default-export -- Vercel expects the entry here
export default {
  async fetch(request: Request): Promise<Response> {
    const app = openServerlessApp(process.env);
    try {
      return await app.fetch(request);
    } finally {
      // Close before the answer: the instance may be suspended after it, with open connections.
      await app.close();
    }
  },
};
