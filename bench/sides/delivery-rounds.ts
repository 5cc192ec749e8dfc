import { readFileSync } from 'node:fs'
import type { DeliveryEvent, DeliveryFile } from '../webhook-deliveries.ts'

/** What a side of `webhook.rps` prints as its last line: seconds and deliveries of each kind. */
export type RoundTimes = Record<
  keyof typeof ROUNDS,
  { cpu: number; wall: number; accepted: number; asked: number }
>

// How often each of a kind is delivered: three examples, one large push, four pings.
const ROUNDS = { examples: 400, large: 100, pings: 250 }
// Until the compiler has seen everything.
const WARM_UP = 40

/** Takes every delivery in turn, and measures each kind by itself. @param take whether it was accepted */
export async function measureRounds(
  file: string,
  take: (event: DeliveryEvent) => Promise<boolean> | boolean,
): Promise<RoundTimes> {
  const deliveries = JSON.parse(readFileSync(file, 'utf8')) as DeliveryFile
  const measureKind = async (kind: keyof typeof ROUNDS): Promise<RoundTimes['pings']> => {
    const events = deliveries[kind]
    for (let round = 0; round < WARM_UP; round++) for (const event of events) await take(event)
    const before = { cpu: process.cpuUsage(), wall: performance.now() }
    let accepted = 0
    for (let round = 0; round < ROUNDS[kind]; round++)
      for (const event of events) if (await take(event)) accepted += 1
    const { user, system } = process.cpuUsage(before.cpu)
    return {
      cpu: (user + system) / 1e6,
      wall: (performance.now() - before.wall) / 1000,
      accepted,
      asked: ROUNDS[kind] * events.length,
    }
  }
  return {
    examples: await measureKind('examples'),
    large: await measureKind('large'),
    pings: await measureKind('pings'),
  }
}
