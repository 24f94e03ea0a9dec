// Ends the process on a signal that nothing else listens to, as the system does by default.
// The system does not do so for PID 1, the first process of a container: it drops the signal.
// So a program would not stop while it loads, and one without listeners would never stop.
for (const [signal, number] of [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGTERM", 15],
]) {
  process.on(signal, () => {
    if (process.listenerCount(signal) === 1) process.exit(128 + number);
  });
}
