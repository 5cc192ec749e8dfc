import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { storedConfig } from '../../../functions/shared/config.ts'
import { cacheKeys, stateKeys } from '../../../functions/shared/keys.ts'
import { type Bucket, writeJson } from '../../../functions/shared/objects.ts'
import { parseConfig } from '../../../functions/shared/parse-config.ts'
import type { Fault } from '../../../functions/shared/verification/fault.ts'
import type { RepairResult } from '../../../functions/shared/verification/repair-request.ts'
import { repair } from '../../../functions/publish/repair/repair.ts'
import { fingerprint, formatNarInfo, type NarInfo } from '../../../nix/narinfo.ts'
import { formatPublicKey, generateSecretKey, publicKeyOf, sign } from '../../../nix/signature.ts'
import { hashPartOf, type StorePath } from '../../../nix/store-path.ts'
import { verifyAndReport } from '../../../scripts/hearth/verify/command.ts'
import { Inventory } from '../../../scripts/hearth/verify/inventory.ts'
import { SILENT } from '../../../scripts/hearth/verify/progress.ts'
import type { Report } from '../../../scripts/hearth/verify/report.ts'
import { type Counts, type Verification, verifyCache } from '../../../scripts/hearth/verify/verify-cache.ts'
import { drv, out, storePath } from '../../unit/functions/graphs.ts'
import { serve } from '../../unit/functions/http-server.ts'
import { type Output, stagedOutput } from '../publish/staged-output.ts'

const key = generateSecretKey('cache.example.org-1')
const upstreamKey = generateSecretKey('upstream.example.org-1')
/** A key that nobody declared. */
export const stranger = generateSecretKey('stranger.example.org-1')

export const narinfoKey = (path: StorePath): string => cacheKeys.narinfo(hashPartOf(path))

/** The key of the record of a derivation with these outputs. */
export const recordKey = (...outputs: StorePath[]): string => {
  const [first] = outputs.toSorted()
  if (first === undefined) throw new TypeError('a derivation without outputs')
  return stateKeys.published(hashPartOf(first))
}

/** What is published: each refers to those in its list. `libc` is in the upstream alone, `tools` in both. */
const PUBLISHED: Record<string, Record<string, StorePath[]>> = {
  tools: { out: [] },
  lib: { out: [out('libc')], dev: [out('lib')] },
  app: { out: [out('app'), out('lib'), out('tools')] },
  plugin: { out: [out('lib', 'dev')] },
  shell: { out: [out('app'), out('libc')] },
  other: { out: [] },
}

export const HOURS_MS = 60 * 60 * 1000

let caches = 0

/** A small sound cache on a real S3, and an upstream; made without Nix. */
export class SyntheticCache {
  readonly cache: Bucket
  readonly state: Bucket
  readonly upstream: { url: string; publicKeys: string[] }
  /** what the upstream has, by hash part */
  readonly upstreamNarInfos: Map<string, string>
  readonly infos = new Map<StorePath, NarInfo>()

  private constructor(cache: Bucket, state: Bucket, url: string, upstreamNarInfos: Map<string, string>) {
    this.cache = cache
    this.state = state
    this.upstream = { url, publicKeys: [formatPublicKey(publicKeyOf(upstreamKey))] }
    this.upstreamNarInfos = upstreamNarInfos
  }

  static async create(s3: S3Client, createBucket: (name: string) => void): Promise<SyntheticCache> {
    const number = ++caches
    const [cache, state] = ['cache', 'state'].map((name): Bucket => {
      createBucket(`${name}-${number}`)
      return { s3, name: `${name}-${number}` }
    })
    if (cache === undefined || state === undefined) throw new TypeError('two buckets')
    const narinfos = new Map<string, string>()
    const url = await serve((request, response) => {
      const text = narinfos.get(/^\/(\w+)\.narinfo$/.exec(request.url ?? '')?.[1] ?? '')
      response.writeHead(text === undefined ? 404 : 200).end(text)
    })
    const made = new SyntheticCache(cache, state, url, narinfos)
    await made.#fill(narinfos)
    return made
  }

  async #fill(upstream: Map<string, string>): Promise<void> {
    for (const name of ['libc', 'tools']) {
      const { info } = await stagedOutput(out(name), { text: name })
      upstream.set(
        hashPartOf(out(name)),
        formatNarInfo({ ...info, signatures: [sign(fingerprint(info), upstreamKey)] }),
      )
    }
    await this.put('nix-cache-info', 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 50\n')
    const config = {
      github: { api: 'https://api.github.com', git: 'https://github.com' },
      repositories: [{ name: 'acme/shells', refs: ['main'], systems: ['x86_64-linux'] }],
      upstreams: [this.upstream],
      cache: { publicKeys: [formatPublicKey(publicKeyOf(key))] },
      limits: { evaluation: { secondsPerSystem: 60, megabytes: 1024 } },
    }
    await writeJson(this.state, stateKeys.currentConfig, storedConfig(parseConfig(JSON.stringify(config))))
    for (const [name, outputs] of Object.entries(PUBLISHED)) {
      const stands: Record<string, { storePath: StorePath; narHash: string }> = {}
      for (const [output, references] of Object.entries(outputs)) {
        const path = out(name, output)
        const info = await this.publish(path, { text: '', references }, drv(name))
        stands[output] = { storePath: path, narHash: info.narHash }
      }
      const record = {
        version: 1,
        drvPath: drv(name),
        outputs: stands,
        run: 'run',
        build: 'build',
        begun: new Date().toISOString(),
      }
      await writeJson(
        this.state,
        recordKey(...Object.values(stands).map(({ storePath: path }) => path)),
        record,
      )
      await this.put(cacheKeys.log(drv(name).slice('/nix/store/'.length)), 'log')
    }
    await this.publish(storePath('source'), { text: 'print(1)' })
  }

  /** Publishes a path that mentions what it refers to, unless the output says otherwise. */
  async publish(path: StorePath, output: Output, deriver?: StorePath, by = key): Promise<NarInfo> {
    const text = output.text || [path.slice(44), ...(output.references ?? [])].join('\n')
    const { info, file } = await stagedOutput(path, { ...output, text })
    await this.put(info.url, file)
    const full = { ...info, ...(deriver === undefined ? {} : { deriver }) }
    await this.putNarInfo({ ...full, signatures: [sign(fingerprint(full), by)] })
    return full
  }

  /** Writes the narinfo of a path again, signed by our key. */
  async alter(path: StorePath, change: Partial<NarInfo>): Promise<void> {
    const info = { ...this.info(path), ...change }
    await this.putNarInfo({ ...info, signatures: change.signatures ?? [sign(fingerprint(info), key)] })
  }

  async putNarInfo(info: NarInfo): Promise<void> {
    this.infos.set(info.storePath, info)
    await this.put(narinfoKey(info.storePath), formatNarInfo(info))
  }

  info(path: StorePath): NarInfo {
    const info = this.infos.get(path)
    if (info === undefined) throw new Error(`${path} was not published`)
    return info
  }

  async put(key: string, body: string | Uint8Array, { s3, name } = this.cache): Promise<void> {
    // the SDK takes an empty string for a stream of unknown length
    await s3.send(new PutObjectCommand({ Bucket: name, Key: key, Body: Buffer.from(body) }))
  }

  async copy(from: string, to: string): Promise<void> {
    const CopySource = `${this.cache.name}/${from}`
    await this.cache.s3.send(new CopyObjectCommand({ Bucket: this.cache.name, Key: to, CopySource }))
  }

  async remove(key: string, bucket = this.cache): Promise<void> {
    await bucket.s3.send(new DeleteObjectCommand({ Bucket: bucket.name, Key: key }))
  }

  async keys(bucket: Bucket = this.cache): Promise<string[]> {
    const { Contents = [] } = await bucket.s3.send(new ListObjectsV2Command({ Bucket: bucket.name }))
    return Contents.map(({ Key = '' }) => Key)
  }

  async text(key: string, { s3, name } = this.cache): Promise<string> {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: name, Key: key }))
    return (await Body?.transformToString()) ?? ''
  }

  /** As if everything that is there now had been there for two hours. */
  verification(more: Partial<Verification> = {}): Verification {
    return {
      cache: this.cache,
      state: this.state,
      upstreams: [this.upstream],
      keys: [publicKeyOf(key)],
      content: false,
      progress: SILENT,
      now: () => Date.now() + 2 * HOURS_MS,
      ...more,
    }
  }

  async verify(more: Partial<Verification> = {}): Promise<{ faults: Fault[]; counts: Counts }> {
    const inventory = new Inventory()
    try {
      const counts = await verifyCache(inventory, this.verification(more))
      return { faults: [...inventory.faults()], counts }
    } finally {
      inventory.close()
    }
  }

  /** Verifies and repairs as the command does, Publish's part included. */
  async repair({
    s3 = this.cache.s3,
    force = true,
    content = false,
    execution = 'repair-1',
    now = () => Date.now() + 2 * HOURS_MS,
  }: Partial<{ s3: S3Client; force: boolean; content: boolean; execution: string }> & {
    now?: () => number
  } = {}): Promise<{
    results: RepairResult[]
    left: Fault[]
  }> {
    const results: RepairResult[] = []
    let left: Fault[] = []
    const report: Report = {
      looked: async () => undefined,
      repaired: async (result) => void results.push(result),
      lookedAgain: async (_look, inventory) => {
        left = [...inventory.faults()]
      },
      end: async () => undefined,
    }
    const verification = this.verification({ content, now })
    const world = {
      cache: { s3, name: this.cache.name },
      state: { s3, name: this.state.name },
      upstreams: verification.upstreams,
      keys: verification.keys,
      now: verification.now ?? Date.now,
    }
    await verifyAndReport(verification, report, {
      ask: (request) => repair(world, request, execution),
      force,
    })
    return { results, left }
  }
}
