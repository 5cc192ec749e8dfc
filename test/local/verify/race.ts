import type { S3Client } from '@aws-sdk/client-s3'
import { expect } from 'vitest'
import { repair } from '../../../functions/publish/repair/repair.ts'
import { cacheKeys, stateKeys } from '../../../functions/shared/keys.ts'
import { findJson } from '../../../functions/shared/objects.ts'
import type { Published } from '../../../functions/shared/records.ts'
import type { RepairResult } from '../../../functions/shared/verification/repair-request.ts'
import { publicKeyOf } from '../../../nix/signature.ts'
import { hashPartOf } from '../../../nix/store-path.ts'
import { narHashOf, stagedOutput } from '../publish/staged-output.ts'
import { expectSound, visibleNarInfos } from '../publish/visible.ts'
import { BUILD, OTHER_BUILD, out, type Request, World } from '../publish/world.ts'
import type { serverForThisFile } from '../s3/server-fixture.ts'

const HOUR = 60 * 60 * 1000
const OUTPUTS = [out('app'), out('app', 'doc')]
export const RECORD = stateKeys.published(hashPartOf(OUTPUTS.toSorted()[0] ?? out('app')))
const built = (what: string) => ({
  doc: { text: `${what} words` },
  out: { text: `${what} program, see ${out('app', 'doc')}`, references: [out('app', 'doc')] },
})
export const noBusiness = async (): Promise<void> => undefined

export class Killed extends Error {
  override name = 'Killed'
}

type RunningServer = ReturnType<typeof serverForThisFile>

/** What a repair asks of S3 is seen before it is sent and when its effect is there. */
export interface Watch {
  before: (request: Request) => Promise<void>
  after: (request: Request) => Promise<void>
}

/** A derivation with two outputs, whose first build has lost a NAR, and of which a second one is staged. */
export class Race {
  readonly world: World
  /** at every moment, in both: outputs of one build alone are visible, and nobody writes what was withdrawn */
  readonly violations: string[] = []
  readonly #watch: Watch = { before: noBusiness, after: noBusiness }
  readonly #s3: S3Client

  private constructor(running: RunningServer) {
    const create = (name: string): void => {
      running.server.createBucket(name)
    }
    this.world = new World({ app: { outputs: ['out', 'doc'] } }, running.s3, create, running.server.client())
    this.#s3 = this.#watched(running.server.client())
  }

  /** The first build is published, or a half of it, and a NAR is lost; the second one is staged. An hour later everybody comes. */
  static async start(running: RunningServer, second: string, isHalf: boolean): Promise<Race> {
    const race = new Race(running)
    const { world } = race
    await world.built('app', built('first'))
    await world.built('app', built(second), { build: OTHER_BUILD })
    if (isHalf)
      world.before = async ({ command, input }) => {
        if (command === 'PutObject' && input.Key === narinfoKey('out')) throw new Killed()
      }
    await world.publish(['app'], BUILD).catch((error: unknown) => expect(error).toBeInstanceOf(Killed))
    world.before = noBusiness
    const { fileHash } = await stagedOutput(out('app', 'doc'), built('first').doc)
    await world.remove(world.cache, cacheKeys.nar(fileHash))
    world.later = HOUR
    world.after = (request) => race.#look(request)
    return race
  }

  async record(): Promise<Published | undefined> {
    return findJson<Published>(this.world.state, RECORD)
  }

  /** Publish of the second build: what becomes of it depends on the moment. */
  async publish(): Promise<string> {
    return (await this.world.outcomes(['app'], OTHER_BUILD))['app'] ?? ''
  }

  async repair(execution: string, watch: Partial<Watch> = {}): Promise<RepairResult[]> {
    Object.assign(this.#watch, { before: noBusiness, after: noBusiness }, watch)
    const { cache, state, key, later } = this.world
    const repairWorld = {
      cache: { ...cache, s3: this.#s3 },
      state: { ...state, s3: this.#s3 },
      upstreams: [],
      keys: [publicKeyOf(key)],
      now: () => Date.now() + later,
    }
    const keys = ['out', 'doc'].map(narinfoKey)
    // as the command names them: the record of a half-published build is named for an output that nobody sees
    const records = [RECORD.slice('published/'.length, -'.json'.length)]
    return repair(repairWorld, { keys, evidence: [], content: [], records }, execution)
  }

  /** Two hours later whoever is left repairs and publishes: then the second build stands, whole. */
  async expectGoodEnd(): Promise<void> {
    expect(this.violations).toEqual([])
    this.world.later += 2 * HOUR
    await this.repair('repair-of-the-evening')
    await this.publish()
    await expectSound(this.world)
    expect(await this.visibleBuilds()).toEqual(['second', 'second'])
    const record = await this.record()
    expect(record?.withdrawn).toBeUndefined()
    expect(this.violations).toEqual([])
  }

  /** Which build every visible output is of. */
  async visibleBuilds(): Promise<string[]> {
    const hashes = new Map<string, string>()
    for (const what of ['first', 'second'])
      for (const { text } of Object.values(built(what))) hashes.set(await narHashOf(text), what)
    return (await visibleNarInfos(this.world)).map(({ narHash }) => hashes.get(narHash) ?? 'neither')
  }

  async #look({ command, input }: Request): Promise<void> {
    const isNarInfo = input.Key?.endsWith('.narinfo') === true && input.Bucket === this.world.cache.name
    if (!isNarInfo || (command !== 'PutObject' && command !== 'DeleteObject')) return
    const builds = new Set(await this.visibleBuilds())
    if (builds.size > 1) this.violations.push(`after ${command}, outputs of two builds are visible`)
    const record = await this.record()
    if (command === 'PutObject' && (record === undefined || record.withdrawn !== undefined))
      this.violations.push('something is visible again that was withdrawn')
  }

  #watched(client: S3Client): S3Client {
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const command = (context.commandName ?? '').replace(/Command$/, '')
        const request: Request = { command, input: args.input as Request['input'] }
        await this.#watch.before(request)
        const answer = await next(args)
        await this.#look(request)
        await this.#watch.after(request)
        return answer
      },
      { step: 'initialize' },
    )
    return client
  }
}

export function narinfoKey(output: string): string {
  return cacheKeys.narinfo(hashPartOf(out('app', output)))
}

/** Does something once: before the request with this number, or when that has had its effect. */
export function once(number: number, when: 'before' | 'after', act: () => Promise<unknown>): Watch {
  let requests = 0
  let meant: Request | undefined
  return {
    before: async (request) => {
      if (++requests !== number) return
      meant = request
      if (when === 'before') await act()
    },
    after: async (request) => {
      if (request === meant && when === 'after') await act()
    },
  }
}

/** Dies at that moment: nothing is sent any more, and no answer is heard. */
export function death(number: number, when: 'before' | 'after'): Watch {
  let isDead = false
  const { before, after } = once(number, when, async () => {
    isDead = true
  })
  const unless = (watch: Watch['before']) => async (request: Request) => {
    if (isDead) throw new Killed()
    await watch(request)
    if (isDead) throw new Killed()
  }
  return { before: unless(before), after: unless(after) }
}
