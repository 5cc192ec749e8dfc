import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { installation } from '../../../../functions/install/installation.ts'

const hearthYml = readFileSync(new URL('../../../../hearth.yml', import.meta.url), 'utf8')
const bundle = Buffer.from('the bundle of the builder')
const sha256 = createHash('sha256').update(bundle).digest('hex')
const buckets = { state: 'state', cache: 'cache' }

describe('what a deployment puts where', () => {
  const { objects, bundleKey } = installation(bundle, hearthYml, buckets)
  const byKey = new Map(objects.map((object) => [`${object.bucket}/${object.key}`, object]))

  test('nothing else', () => {
    expect([...byKey.keys()]).toEqual([
      'cache/nix-cache-info',
      `state/builders/${sha256}.zip`,
      expect.stringMatching(/^state\/config\/[0-9a-f]{64}\.json$/),
      'state/config/current.json',
    ])
  })
  test('nix-cache-info, so that clients ask for many paths at once, after cache.nixos.org', () => {
    expect(byKey.get('cache/nix-cache-info')).toMatchObject({
      body: 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 50\n',
      contentType: 'text/x-nix-cache-info',
    })
  })
  test("the builder's bundle, named by its contents", () => {
    expect(bundleKey).toBe(`builders/${sha256}.zip`)
    expect(byKey.get(`state/${bundleKey}`)).toMatchObject({ body: bundle, contentType: 'application/zip' })
  })
  test('the configuration, as the current one and under its own hash, for runs that pin it', () => {
    const current = byKey.get('state/config/current.json')
    const stored = JSON.parse(String(current?.body)) as { sha256: string; config: object }
    expect(byKey.get(`state/config/${stored.sha256}.json`)?.body).toBe(current?.body)
    expect(stored.config).toMatchObject({ upstreams: [{ url: 'https://cache.nixos.org' }] })
  })
})

test('a hearth.yml with a fault is not installed', () => {
  expect(() => installation(bundle, hearthYml.replace('refs: [main]', 'refs: []'), buckets)).toThrow(
    'repositories.0.refs: Too small',
  )
})
