/**
 * A command of the program, inside this process: from its arguments to its end, so with its
 * configuration, its connections and its threads, but without the start of Node.
 */
import { main } from '../../cli/program.js';
import { contend } from '../harness/contend.js';

interface CommandTask {
  readonly words: readonly string[];
  readonly records: number;
  readonly bytes: number;
}

await contend<CommandTask>(async ({ words, records }, watch) => {
  watch.start();
  await main([process.execPath, 'sealstream', ...words]);
  watch.stop();
  if (process.exitCode !== 0) throw new Error(`${words[0]} ended with ${process.exitCode}`);
  return { records };
});
