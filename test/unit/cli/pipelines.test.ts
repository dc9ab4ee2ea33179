import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { Desk } from '../../support/cli.js';
import { PROJECT } from '../../support/kafka/jars.js';

type Variables = Readonly<Record<string, string>>;

/** What one job or step runs, and with which variables. */
interface Script {
  readonly name: string;
  readonly text: string;
  readonly variables: Variables;
}

interface Step {
  readonly name?: string;
  readonly run?: string;
  readonly env?: Variables;
}

async function document(name: string): Promise<Record<string, unknown>> {
  const text = await readFile(join(PROJECT, 'docs', 'ci', name), 'utf8');
  return parse(text, { strict: true, uniqueKeys: true }) as Record<string, unknown>;
}

async function gitHubScripts(): Promise<Script[]> {
  const { jobs } = (await document('github-actions.yml')) as {
    jobs: Record<string, { env?: Variables; steps: Step[] }>;
  };
  return Object.entries(jobs).flatMap(([job, { env = {}, steps }]) =>
    steps.flatMap((step) =>
      step.run === undefined
        ? []
        : [{ name: `${job} ${step.name}`, text: step.run, variables: { ...env, ...step.env } }],
    ),
  );
}

async function gitLabScripts(): Promise<Script[]> {
  const jobs = (await document('gitlab-ci.yml')) as Record<
    string,
    { script?: string[]; variables?: Variables }
  >;
  return Object.entries(jobs).flatMap(([name, { script, variables = {} }]) =>
    Array.isArray(script) ? [{ name, text: script.join('\n'), variables }] : [],
  );
}

/** The words after `sealstream` of every line that runs it. */
function commands(text: string): string[][] {
  return [...text.matchAll(/(?:^|\s)sealstream ([a-z][^>|&;\n]*)/g)].map(([, words = '']) =>
    words.trim().split(/\s+/),
  );
}

const NEEDED = [
  /^validate --config ledger\.yaml$/,
  /^plan --config ledger\.yaml$/,
  /^apply --yes /,
  /^smoke /,
  /^verify .*--memory /,
  /^doctor .*--sarif doctor\.sarif$/,
];

for (const [system, read, secret] of [
  ['GitHub', gitHubScripts, /^\$\{\{ secrets\.LEDGER_[A-Z_]+ \}\}$/],
  ['GitLab', gitLabScripts, /^\$LEDGER_[A-Z_]+$/],
] as const) {
  describe(`the pipeline of docs/ci for ${system}`, () => {
    let desk: Desk;
    let scripts: readonly Script[];
    before(async () => {
      desk = await Desk.open();
      scripts = await read();
    });
    after(() => desk.close());

    it('runs every command, and each is one that the program takes', async () => {
      const found = scripts.flatMap(({ text }) => commands(text));
      const lines = new Set(found.map((words) => words.join(' ')));
      for (const pattern of NEEDED) assert.ok([...lines].some((line) => pattern.test(line)));
      for (const line of lines) {
        // Past its options, the first thing each misses is the file.
        const { code, stderr } = await desk.run(line.split(' '));
        assert.equal(code, 64, `${line}: ${stderr}`);
        assert.match(stderr, /^sealstream: ledger\.yaml(: cannot be read| is not there)/, line);
      }
    });

    it('has secrets by reference only', () => {
      const used = scripts.flatMap(({ variables }) =>
        Object.entries(variables).filter(([name]) => name.startsWith('KAFKA_')),
      );
      assert.ok(used.length >= 8);
      for (const [name, value] of used) assert.match(value, secret, name);
    });

    for (const [code, expected] of [
      [0, 0],
      [2, 0],
      [1, 1],
      [64, 64],
      [70, 70],
    ] as const) {
      it(`ends a proposal's plan with ${expected} where plan ends with ${code}`, async () => {
        const plan = scripts.find(({ text }) => text.includes('plan.txt'));
        await writeFile(desk.path('sealstream'), `#!/bin/sh\necho "$*"\nexit ${code}\n`);
        await chmod(desk.path('sealstream'), 0o755);
        const env = {
          PATH: `${desk.folder}:${process.env['PATH'] ?? ''}`,
          GITHUB_STEP_SUMMARY: desk.path('summary'),
        };
        const ended = await new Promise<number>((resolve) => {
          const words = ['-e', '-c', plan?.text ?? 'exit 99'];
          const child = execFile('bash', words, { cwd: desk.folder, env });
          child.once('close', (status) => resolve(status ?? -1));
        });
        assert.equal(ended, expected);
        const shown = await readFile(desk.path('plan.txt'), 'utf8');
        assert.match(shown, /^plan --config ledger\.yaml$/m);
      });
    }
  });
}
