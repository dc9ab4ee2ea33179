import { CATALOGUE, type Code } from '../catalogue/catalogue.js';
import { byGravity } from '../catalogue/entry.js';
import { REMEDIES } from '../catalogue/remedies.js';

/** Every code, the gravest first. */
function codeTable(): string {
  const codes = (Object.keys(CATALOGUE) as Code[]).sort((a, b) =>
    byGravity(CATALOGUE[a], CATALOGUE[b]),
  );
  const rows = codes.map((code) => {
    const { severity, title, why } = CATALOGUE[code];
    return `| \`${code}\` | ${severity} | ${title}. ${why} | ${REMEDIES[code]} |`;
  });
  return [
    '| code | severity | what, and why it matters | remedy |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
}

const PLACE = /<!-- codes -->.*<!-- end of codes -->/s;

/** docs/doctor.md with the table in its place. */
export function withCodeTable(document: string): string {
  return document.replace(PLACE, () => `<!-- codes -->\n${codeTable()}\n<!-- end of codes -->`);
}
