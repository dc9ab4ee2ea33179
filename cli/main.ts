#!/usr/bin/env node
/**
 * The program's first file, and small on purpose: Node ends with 1 on what nobody caught, and 1 means
 * "tampered" here. So everything else is loaded where it can be caught.
 */
const FAILED = 70;

function asciiOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function fail(error: unknown): never {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`sealstream: unexpected: ${text.replace(/[^\t\n -~]/g, asciiOf)}\n`);
  process.exit(FAILED);
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

try {
  const { main } = await import('./program.js');
  await main(process.argv);
} catch (error) {
  fail(error);
}
