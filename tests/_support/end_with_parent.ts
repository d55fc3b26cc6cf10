// Loaded before a program that a test starts: ends it when the test is gone, however that ended.
const parent = Deno.ppid;

const timer = setInterval(() => {
  if (Deno.ppid !== parent) Deno.exit(1);
}, 200);
Deno.unrefTimer(timer);
