import { createVercelHandler } from "../src/vercel.ts";

// Vercel serves every path with this function: see vercel.json.
// oxlint-disable-next-line import/no-default-export -- where Vercel looks for it
export default createVercelHandler(process.env);
