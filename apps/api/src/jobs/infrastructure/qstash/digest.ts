/** SHA-256 of a JSON value in hexadecimal; any string is one, also half a surrogate pair. */
export async function digest(value: string): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
