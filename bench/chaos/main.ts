import { rm } from 'node:fs/promises';
import { parseOptions, USAGE } from './options.js';
import { render, toJson } from './report.js';
import { runChaos } from './run.js';
import { Scene } from './scene.js';

const EXIT = { passed: 0, failed: 1, notRun: 2, interrupted: 130 };

const started = performance.now();

function tell(message: string): void {
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stderr.write(`${String(seconds).padStart(5)} s  ${message}\n`);
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return EXIT.passed;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop.abort(new Error(signal)));
  }
  tell(`three brokers, ${options.rate} events/s, seed ${options.seed}`);
  const scene = await Scene.open(options);
  if ('skip' in scene) {
    tell(`not run: ${scene.skip}`);
    return EXIT.notRun;
  }
  let code = EXIT.notRun;
  try {
    stop.signal.throwIfAborted();
    const result = await runChaos(scene, options, tell, stop.signal);
    process.stdout.write(`${options.json ? toJson(result) : render(result)}\n`);
    code = result.findings.clean ? EXIT.passed : EXIT.failed;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    tell('interrupted');
    code = EXIT.interrupted;
  } finally {
    await scene.close();
    if (code === EXIT.passed && !options.keep) await rm(scene.folder, { recursive: true });
    else tell(`notes and logs: ${scene.folder}`);
  }
  return code;
}

try {
  process.exitCode = await main();
} catch (error) {
  tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = EXIT.notRun;
}
