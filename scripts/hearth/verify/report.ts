import { once } from 'node:events'
import { styleText } from 'node:util'
import type { Fault } from '../../../functions/shared/verification/fault.ts'
import type { RepairResult } from '../../../functions/shared/verification/repair-request.ts'
import { formatBytes } from '../../../functions/shared/format-bytes.ts'
import type { Inventory } from './inventory.ts'
import type { Counts } from './verify-cache.ts'

/** How a look at a cache ended. */
export interface Look {
  bucket: string
  prefix: string | undefined
  content: boolean
  counts: Counts
}

/** Where results go, as they come: a cache may have a million faults. */
export interface Report {
  looked(look: Look, inventory: Inventory): Promise<void>
  repaired(result: RepairResult): Promise<void>
  /** what is left after a repair */
  lookedAgain(look: Look, inventory: Inventory): Promise<void>
  end(): Promise<void>
}

export type Write = (text: string) => Promise<void>

/** Writes to a stream no faster than it takes it. */
export function writerOf(stream: NodeJS.WritableStream): Write {
  return async (text) => {
    if (!stream.write(text)) await once(stream, 'drain')
  }
}

export function textReport(write: Write): Report {
  const faults = async (inventory: Inventory): Promise<void> => {
    for (const fault of inventory.faults()) await write(`${formatFault(fault)}\n`)
  }
  return {
    async looked(look, inventory) {
      await faults(inventory)
      await write(`${formatLook(look, inventory)}\n`)
    },
    async repaired({ key, outcome, because }) {
      await write(`${outcome.padEnd(20)} ${key}: ${because}\n`)
    },
    async lookedAgain(look, inventory) {
      await write('after the repair:\n')
      await this.looked(look, inventory)
    },
    end: async () => undefined,
  }
}

/** One document, written piece by piece: docs/verify.md has its form. */
export function jsonReport(write: Write): Report {
  let repairs = 0
  const list = async (faults: Iterable<Fault>): Promise<void> => {
    let count = 0
    for (const fault of faults) await write(`${count++ === 0 ? '' : ','}\n${JSON.stringify(fault)}`)
    await write(count === 0 ? ']' : '\n]')
  }
  return {
    async looked({ bucket, prefix, content, counts }, inventory) {
      const head = { version: 1, bucket, prefix, content, counts, faultCounts: inventory.faultCounts() }
      await write(`${JSON.stringify(head).slice(0, -1)},"faults":[`)
      await list(inventory.faults())
    },
    async repaired(result) {
      await write(`${repairs++ === 0 ? ',"repair":[' : ','}\n${JSON.stringify(result)}`)
    },
    async lookedAgain({ counts }, inventory) {
      await write(`${repairs === 0 ? ',"repair":[' : '\n'}],"after":`)
      const head = { counts, faultCounts: inventory.faultCounts() }
      await write(`${JSON.stringify(head).slice(0, -1)},"faults":[`)
      await list(inventory.faults())
      await write('}')
    },
    end: () => write('}\n'),
  }
}

export function formatFault({ fault, key, detail }: Fault): string {
  return `${styleText('red', fault.padEnd(20))} ${key}: ${detail}`
}

function formatLook({ prefix, content, counts }: Look, inventory: Inventory): string {
  const number = (value: number): string => value.toLocaleString('en')
  const found = Object.entries(inventory.faultCounts()).map(([name, count]) => `${number(count)} ${name}`)
  const looked =
    prefix === undefined
      ? `${number(counts.narinfos)} narinfos, ${number(counts.nars)} NARs of ${formatBytes(counts.narBytes)}, ${number(counts.logs)} logs`
      : `${number(counts.narinfos)} narinfos that begin with ${prefix}`
  const notes = [
    `${number(counts.upstreamPaths)} paths from upstreams`,
    content ? 'contents compared' : 'contents not compared',
    ...(counts.inProgress > 0 ? [`${number(counts.inProgress)} NARs being published`] : []),
    ...(counts.quarantined > 0 ? [`${number(counts.quarantined)} NARs of quarantined narinfos`] : []),
  ]
  const verdict = found.length === 0 ? styleText('green', 'no faults') : styleText('red', found.join(', '))
  return `${looked}; ${notes.join(', ')}: ${verdict}`
}
