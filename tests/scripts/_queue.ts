// Runs the test files that it is given in a queue: `_queue.ts <jobs> <file>…`
import { DenoProcesses } from "../../scripts/deno_processes.ts";
import { runTests } from "../../scripts/test_queue.ts";

const [jobs, ...files] = Deno.args;
const isSuccess = await runTests(files.map((file) => [file]), {
  processes: new DenoProcesses(),
  command: ["test", "-A", "--no-config"],
  jobs: Number(jobs),
});
Deno.exit(isSuccess ? 0 : 1);
