import { createVercelHandler } from "../src/vercel.ts";

// Vercel serves every path with this function: see vercel.json.
export default createVercelHandler(process.env);
