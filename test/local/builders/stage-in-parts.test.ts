import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { stageInParts } from '../../../builders/machine/stage-in-parts.ts'
import type { PolicyDocument } from '../../../local/gateway/policy.ts'
import { outcome, pseudoRandomBytes } from '../s3/answers.ts'
import { serverForThisFile } from '../s3/server-fixture.ts'

const MIB = 1024 ** 2
// the smallest parts that S3 takes
const PART = 5 * MIB

/** What the builder's role may do in staging, as the template says it. */
function policiesOfBuilder(): PolicyDocument[] {
  const text = readFileSync(join(import.meta.dirname, '../../../resources/roles-builders.yml'), 'utf8')
    .replaceAll(/!(Sub|GetAtt|Ref) /g, '')
    .replaceAll('${StagingBucket.Arn}', 'arn:aws:s3:::staging')
    .replaceAll('${!aws:userid}', '${aws:userid}')
  const { Resources } = parse(text) as {
    Resources: { BuilderRole: { Properties: { Policies: { PolicyDocument: PolicyDocument }[] } } }
  }
  return Resources.BuilderRole.Properties.Policies.map(({ PolicyDocument }) => PolicyDocument)
}

const fixture = serverForThisFile(['staging'], {
  roles: { BUILDER: { secretAccessKey: 'role-secret', policies: policiesOfBuilder() } },
})
const folder = mkdtempSync(join(tmpdir(), 'hearth-parts-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

async function stage(name: string, bytes: Buffer): Promise<string> {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  const staging = { s3: fixture.server.client('BUILDER'), bucket: 'staging' }
  const key = `staging/AROA:BUILDER/${name}`
  const file = { path, bytes: bytes.length }
  return outcome(
    stageInParts(staging, key, file, { type: 'application/x-nix-nar' }, async (send) => send(), PART).then(
      () => ({ $metadata: { httpStatusCode: 200 } }),
    ),
  )
}
const where = (name: string) => ({ Bucket: 'staging', Key: `staging/AROA:BUILDER/${name}` })

describe('a file that is too large for one upload is staged in parts, with the rights of a builder', () => {
  test.each([
    ['one part', PART],
    ['two parts', PART + 1],
    ['three full parts', 3 * PART],
  ])('%s', async (_, size) => {
    const bytes = pseudoRandomBytes(size)
    expect(await stage(`nar-${size}`, bytes)).toBe('200')
    const found = await fixture.s3.send(new GetObjectCommand(where(`nar-${size}`)))
    expect(Buffer.from((await found.Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true)
    expect(found.ContentType).toBe('application/x-nix-nar')
  })

  test('but never over one that is there', async () => {
    await fixture.s3.send(new PutObjectCommand({ ...where('there'), Body: 'first' }))
    expect(await stage('there', pseudoRandomBytes(PART + 1))).toContain('412')
    const { ContentLength } = await fixture.s3.send(new HeadObjectCommand(where('there')))
    expect(ContentLength).toBe(5)
  })
})
