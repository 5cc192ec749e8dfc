import type { S3Client } from '@aws-sdk/client-s3'
import type { Upstream } from '../../functions/shared/contract.ts'
import type { StorePath } from '../../nix/store-path.ts'
import { startBridge } from '../bridge.ts'
import type { LocalStore, StoreUse } from '../machine/local-store.ts'
import type { PlannedDerivation } from './batch.ts'
import type { KnownPaths } from './known-paths.ts'
import { substitute } from './substitute.ts'

/** Where inputs come from, and what is known of them. */
export interface InputSources {
  s3: S3Client
  cacheBucket: string
  publicKeys: string[]
  upstreams: Upstream[]
  known: KnownPaths
  environment: Record<string, string>
  say: (line: string) => void
  /** what must not be deleted */
  use: StoreUse
}

/**
 * Brings everything that derivations are built on into the store, with the content that caches have. Fetches what is not there, or is there with other
 * content, because this machine has built it and another build of it was published; and nothing else.
 * @returns for each derivation that lacks some, the inputs that no cache has, or that are in use here with other content
 */
export async function fetchInputs(
  derivations: PlannedDerivation[],
  store: LocalStore,
  sources: InputSources,
): Promise<Map<StorePath, StorePath[]>> {
  const inputs = [...new Set(derivations.flatMap(({ inputs }) => inputs))]
  const nowhere = new Set<StorePath>()
  let fetched = 0
  for (;;) {
    const others = inputs.filter((path) => !nowhere.has(path))
    for (const path of await deleteAltered(others, store, sources)) nowhere.add(path)
    const wanted = [...(await store.invalid(inputs))].filter((path) => !nowhere.has(path))
    if (wanted.length === 0) break
    fetched += await fetch(wanted, store, sources)
    for (const path of await store.invalid(wanted)) nowhere.add(path)
  }
  const ownSources = derivations.flatMap(({ sources }) => sources)
  const missing = new Set([...nowhere, ...(await store.invalid([...new Set(ownSources)]))])
  sources.say(`inputs: ${inputs.length}, fetched ${fetched} paths, ${missing.size} missing`)
  const lacking = new Map<StorePath, StorePath[]>()
  for (const { drvPath, inputs, sources } of derivations) {
    const lacks = [...inputs, ...sources].filter((path) => missing.has(path))
    if (lacks.length > 0) lacking.set(drvPath, lacks)
  }
  return lacking
}

/** @returns how many paths were copied */
async function fetch(
  wanted: StorePath[],
  store: LocalStore,
  { s3, cacheBucket, publicKeys, upstreams, known, environment, say }: InputSources,
): Promise<number> {
  const bridge = await startBridge({ s3, bucket: cacheBucket })
  try {
    const caches = { bridge: bridge.url, publicKeys, upstreams }
    const copied = await substitute(wanted, caches, environment, say)
    const failed = await store.invalid(copied)
    const arrived = copied.filter((path) => !failed.has(path))
    for (const info of await store.infos(arrived)) known.add(info)
    return arrived.length
  } finally {
    await bridge.close()
  }
}

/**
 * Deletes what is in the store with other content than caches have, or with content that no cache has, and whatever refers to it.
 * @returns what stays, because it is in use, with whatever refers to it
 */
async function deleteAltered(
  inputs: StorePath[],
  store: LocalStore,
  { s3, cacheBucket, upstreams, known, say, use }: InputSources,
): Promise<Set<StorePath>> {
  const invalid = await store.invalid(inputs)
  const valid = inputs.filter((path) => !invalid.has(path))
  await store.preload(valid)
  const unsure = (await store.closure(valid)).filter((info) => !known.isKnown(info))
  if (unsure.length === 0) return new Set()
  const hashes = await known.find(
    unsure.map(({ path }) => path),
    { s3, name: cacheBucket },
    upstreams,
  )
  const altered: StorePath[] = []
  for (const { path, narHash } of unsure) {
    const published = hashes.get(path)
    if (published === narHash) continue
    // A source's path is its content.
    if (published === undefined && (await store.isSource(path))) continue
    say(
      `${path} is here with other content than ${published === undefined ? 'any cache has' : 'was published'}`,
    )
    altered.push(path)
  }
  return store.delete(altered, use)
}
