import { openServerlessApp } from "#src/serverless.ts";

/** The whole API as a Vercel function on Node. */
// oxlint-disable-next-line import/no-default-export -- where Vercel looks for it
export default {
  async fetch(request: Request): Promise<Response> {
    const app = openServerlessApp(process.env);
    try {
      return await app.fetch(request);
    } finally {
      // Before the answer: an instance may be suspended after it, with its connections open.
      await app.close();
    }
  },
};
