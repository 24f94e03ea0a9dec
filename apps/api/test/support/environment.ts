/** Part of every secret. */
export const SECRET = "s3cret-value-that-must-not-show";

/** The least that a start needs. */
export const GOOD = {
  DATABASE_URL: `postgres://app:${SECRET}@localhost:5432/app`,
  ORBIT_API_TOKEN: SECRET,
};

/** Every variable of .env.example that the app reads itself, with a good value. */
export const EVERY = {
  ...GOOD,
  NODE_ENV: "production",
  PORT: "4003",
  HTTP_KEEP_ALIVE_SECONDS: "120",
  ORBIT_DIRECTORY: "/var/lib/orbit",
  WORKER_DATABASE_URL: `postgres://worker:${SECRET}@localhost:5432/app`,
  JOBS_PROVIDER: "qstash",
  JOBS_WORKER: "off",
  JOBS_CONCURRENCY: "3",
  JOBS_SHUTDOWN_GRACE_MS: "5000",
  JOBS_MAX_PAYLOAD_BYTES: "2000",
  JOBS_DEAD_RETENTION_DAYS: "20",
  JOBS_LEDGER_RETENTION_DAYS: "60",
  QSTASH_URL: "https://qstash-us-east-1.upstash.io",
  QSTASH_TOKEN: `${SECRET}==`,
  QSTASH_CURRENT_SIGNING_KEY: `sig_${SECRET}`,
  QSTASH_NEXT_SIGNING_KEY: `sig_next_${SECRET}`,
  QSTASH_CALLBACK_URL: "https://api.example.com",
  QSTASH_NAMESPACE: "orbit",
  SMTP_URL: `smtp://user:${SECRET}@localhost:587`,
  MAIL_FROM: "Orbit <no-reply@example.com>",
  STRIPE_WEBHOOK_SECRET: `whsec_${SECRET}`,
  LOG_LEVEL: "warn",
} satisfies Record<string, string>;
