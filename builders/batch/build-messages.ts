import { lastError } from '../machine/nix-errors.ts'
import type { PlannedDerivation } from './batch.ts'

// A derivation in Nix's messages, perhaps with the outputs that were wanted: `'/nix/store/….drv'`, `'….drv!out'` (2.8), `'….drv^out'` (newer).
const DRV = /'(\/nix\/store\/[^'!^]+\.drv)(?:[!^][^']*)?'/

/**
 * Why a derivation could not be built, from what Nix says of it. Wordings of one and the same failure:
 *   2.8, 2.26  builder for 'x.drv' failed with exit code 3;
 *   2.34       Cannot build 'x.drv'. / Reason: builder failed with exit code 3.
 * @param text Nix's error, without colours
 * @returns undefined when it blames something else
 */
export function buildFailure(
  text: string,
  { drvPath, outputs }: Pick<PlannedDerivation, 'drvPath' | 'outputs'>,
): string | undefined {
  const lines = withoutLog(lastError(`error: ${text}`).split('\n'))
  const blamed = blamedPaths(lines[0] ?? '')
  if (!blamed.includes(drvPath) && !outputs.some((path) => blamed.includes(path))) return undefined
  return messageOf(lines)
}

/** Leaves out the end of the log, which is kept elsewhere, and where to find it. */
function withoutLog(lines: string[]): string[] {
  const end = lines.findIndex((line) => /^(last \d+ log lines:|for full logs, run|output paths:)/i.test(line))
  return (end === -1 ? lines : lines.slice(0, end)).filter((line) => !line.startsWith('>'))
}

/** The derivation that an error is about; some name an output only. */
function blamedPaths(header: string): string[] {
  const drvPath = DRV.exec(header)?.[1]
  if (drvPath !== undefined) return [drvPath]
  return [...header.matchAll(/\/nix\/store\/[^'\s:,]+/g)].map(([path]) => path)
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
