import { Command, CommanderError } from 'commander';
import { SealstreamError } from '../ledger/error.js';
import { EXIT, exitCodeOf } from './exit.js';
import { tell, write } from './output.js';
import { programVersion } from './version.js';

/** A command's work gives the exit code; the process then ends by itself, with nothing left open. */
async function run(work: Promise<number>): Promise<void> {
  process.exitCode = await work;
}

function describeError(error: unknown): string {
  if (error instanceof SealstreamError) return `sealstream: ${error.message}`;
  if (error instanceof Error) return `sealstream: unexpected: ${error.stack ?? error.message}`;
  return `sealstream: unexpected: ${String(error)}`;
}

type Register = (program: Command, run: (work: Promise<number>) => Promise<void>) => void;

/** In the order of `--help`. */
const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  init: async () => (await import('./init.js')).registerInit,
  validate: async () => (await import('./validate.js')).registerValidate,
  plan: async () => (await import('./plan.js')).registerPlan,
  apply: async () => (await import('./apply.js')).registerApply,
  doctor: async () => (await import('./doctor.js')).registerDoctor,
  adopt: async () => (await import('./adopt.js')).registerAdopt,
  publish: async () => (await import('./publish.js')).registerPublish,
  seal: async () => (await import('./seal.js')).registerSeal,
  status: async () => (await import('./status.js')).registerStatus,
  checkpoints: async () => (await import('./checkpoints.js')).registerCheckpoints,
  verify: async () => (await import('./verify.js')).registerVerify,
  replay: async () => (await import('./replay.js')).registerReplay,
  prove: async () => (await import('./prove.js')).registerProve,
  check: async () => (await import('./check.js')).registerCheck,
  smoke: async () => (await import('./smoke.js')).registerSmoke,
};

/** The command alone that the line begins with, which starts sooner; all of them for anything else. */
async function buildProgram(name: string | undefined): Promise<Command> {
  const program = new Command('sealstream')
    .description('A tamper-evident audit ledger on Apache Kafka.')
    .version(programVersion())
    .showHelpAfterError('(--help shows what is possible)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => write(process.stdout, text),
      writeErr: (text) => write(process.stderr, text),
      outputError: (text, toErr) => toErr(`sealstream: ${text}`),
    });
  // A fault of this process must not come up where only those of a log are looked for.
  program.hook('preAction', async () => {
    const { hashing } = await import('../ledger/hashing/choose.js');
    hashing();
  });
  const named = Object.hasOwn(COMMANDS, name ?? '') ? COMMANDS[name ?? ''] : undefined;
  for (const load of named === undefined ? Object.values(COMMANDS) : [named]) {
    (await load())(program, run);
  }
  return program;
}

// A reader that goes away (`sealstream replay | head`) ends the command, quietly but never with 0:
// a verdict that nobody could read must not pass for "intact".
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') tell(describeError(error));
  process.exit(EXIT.failed);
});

/** Runs one command line; `process.exitCode` is its answer. */
export async function main(words: readonly string[]): Promise<void> {
  try {
    const program = await buildProgram(words[2]);
    await program.parseAsync(words);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
      return;
    }
    tell(describeError(error));
    process.exitCode = exitCodeOf(error);
  }
}
