import { PutObjectCommand } from '@aws-sdk/client-s3'
import { beforeEach, expect, test } from 'vitest'
import { Parcels } from '../../../builders/machine/parcels.ts'
import { readParcel } from '../../../functions/shared/parcel.ts'
import { Buckets, refusal } from '../functions/buckets.ts'

const PREFIX = 'staging/AROA:build/'
let buckets: Buckets
let parcels: Parcels
beforeEach(() => {
  buckets = new Buckets()
  parcels = new Parcels({ s3: buckets.bucket('staging').s3, bucket: 'staging', prefix: PREFIX })
})
const add = (name: string, bytes = 10) => parcels.add(`${PREFIX}${name}`, Buffer.alloc(bytes))
const uploaded = () => buckets.written.map((key) => key.slice(`staging/${PREFIX}`.length))
const namesIn = (number: number) => [
  ...readParcel(buckets.objects.get(`staging/${PREFIX}parcels/${number}`)?.bytes ?? Buffer.alloc(0)).keys(),
]

test('small objects go together, in the order in which they were added', async () => {
  for (const name of ['nar/a', 'a.narinfo', 'results/a']) add(name)
  parcels.close()
  await parcels.staged()
  expect(uploaded()).toEqual(['parcels/0'])
  expect(namesIn(0)).toEqual(['nar/a', 'a.narinfo', 'results/a'])
  expect(parcels.unsent).toBe(0)
})

test('nobody has to close a parcel: it is sent after a while', async () => {
  add('a')
  await parcels.staged()
  expect(uploaded()).toEqual(['parcels/0'])
})

test('8 MiB fill one, and so do 2,000 objects', async () => {
  for (let index = 0; index < 9; index++) add(`large-${index}`, 1024 ** 2)
  for (let index = 0; index < 2000; index++) add(`small-${index}`)
  parcels.close()
  await parcels.staged()
  expect(uploaded()).toEqual(['parcels/0', 'parcels/1', 'parcels/2'])
  expect(namesIn(0)).toEqual(Array.from({ length: 8 }, (_, index) => `large-${index}`))
  expect(namesIn(1)).toHaveLength(2000)
})

test('nothing to send is no parcel', async () => {
  parcels.close()
  await parcels.staged()
  expect(uploaded()).toEqual([])
})

test('behind a parcel that cannot be staged nothing is: whoever reads them in order would not see it', async () => {
  add('before')
  parcels.close()
  const before = parcels.staged()
  await before
  buckets.mock.on(PutObjectCommand).rejects(refusal(403, 'AccessDenied'))
  add('a')
  parcels.close()
  const first = parcels.staged()
  add('b')
  parcels.close()
  const second = parcels.staged()
  await expect(first).rejects.toMatchObject({ name: 'AccessDenied' })
  await expect(second).rejects.toMatchObject({ name: 'AccessDenied' })
  add('c')
  parcels.close()
  await expect(parcels.staged()).rejects.toMatchObject({ name: 'AccessDenied' })
  expect(uploaded()).toEqual(['parcels/0'])
})
