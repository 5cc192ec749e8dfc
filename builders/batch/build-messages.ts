import { isStorePath, type StorePath } from '../../nix/store-path.ts'
import { lastError } from '../machine/nix-errors.ts'

/** Why Nix says that it could not build a derivation. */
export interface BuildFailure {
  drvPath: StorePath
  message: string
}

// A derivation in Nix's messages, perhaps with the outputs that were wanted: `'/nix/store/….drv'`, `'….drv!out'` (2.8), `'….drv^out'` (newer).
const DRV = /'(\/nix\/store\/[^'!^]+\.drv)(?:[!^][^']*)?'/

/** The derivation that a line of Nix's standard error says it begins to build. The same in every version. */
export function startedDerivation(line: string): StorePath | undefined {
  const path = line.startsWith("building '") ? DRV.exec(line)?.[1] : undefined
  return path !== undefined && isStorePath(path) ? path : undefined
}

/**
 * The failures in Nix's standard error, the first of each derivation. Summaries and "dependencies failed" are left out: who depends on whom is known without
 * Nix. Wordings of one and the same failure:
 *   2.8, 2.26  error: builder for 'x.drv' failed with exit code 3;
 *   2.34       error: Cannot build 'x.drv'. / Reason: builder failed with exit code 3.
 * @param owners output path -> its derivation: some messages name the output only
 */
export function buildFailures(stderr: string, owners: ReadonlyMap<string, StorePath>): BuildFailure[] {
  const failures = new Map<StorePath, string>()
  for (const block of errorBlocks(stderr)) {
    const lines = withoutLog(lastError(block).split('\n'))
    const header = lines[0] ?? ''
    const drvPath = derivationOf(header, owners)
    if (drvPath === undefined || failures.has(drvPath) || isSummary(lines)) continue
    failures.set(drvPath, messageOf(lines))
  }
  return [...failures].map(([drvPath, message]) => ({ drvPath, message }))
}

/** Each `error:` at the start of a line, with the indented lines below it. What a builder wrote is always indented, so it cannot pose as an error. */
function errorBlocks(stderr: string): string[] {
  const blocks: string[] = []
  let isInside = false
  for (const line of stderr.split('\n')) {
    if (line.startsWith('error:')) {
      blocks.push(line)
      isInside = true
    } else if (isInside && (line === '' || /^\s/.test(line))) blocks[blocks.length - 1] += `\n${line}`
    else isInside = false
  }
  return blocks
}

/** Leaves out the end of the log, which is kept elsewhere, and where to find it. */
function withoutLog(lines: string[]): string[] {
  const end = lines.findIndex((line) => /^(last \d+ log lines:|for full logs, run|output paths:)/i.test(line))
  return (end === -1 ? lines : lines.slice(0, end)).filter((line) => !line.startsWith('>'))
}

function derivationOf(header: string, owners: ReadonlyMap<string, StorePath>): StorePath | undefined {
  const drvPath = DRV.exec(header)?.[1]
  if (drvPath !== undefined) return isStorePath(drvPath) ? drvPath : undefined
  for (const [path] of header.matchAll(/\/nix\/store\/[^'\s:,]+/g)) {
    const owner = owners.get(path)
    if (owner !== undefined) return owner
  }
  return undefined
}

function isSummary(lines: string[]): boolean {
  const [header = '', reason = ''] = lines
  return (
    /^\d+ dependenc(y|ies) of derivation .* failed to build/.test(header) ||
    /^build of .* failed$/.test(header) ||
    /^Reason: \d+ dependenc(y|ies) failed/.test(reason)
  )
}

function messageOf(lines: string[]): string {
  const [header = '', ...rest] = lines
  const details = rest.map((line) =>
    line
      .replace(/^Reason: /, '')
      .replace(/[.;]$/, '')
      .replace(/\s+/g, ' '),
  )
  if (/^Cannot build /i.test(header) && details.length > 0) return details.join('; ')
  const what = header
    .replace(/^builder for '[^']+' failed/, 'builder failed')
    .replace(/^building of '[^']+' (from \.drv file )?timed out/, 'timed out')
    .replace(/^(hash mismatch in fixed-output derivation) '[^']+'/, '$1')
    .replace(/[;:.]$/, '')
  return details.length === 0 ? what : `${what}: ${details.join(', ')}`
}
