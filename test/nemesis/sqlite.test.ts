import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, test } from 'vitest';
import { once } from 'node:events';
import { besiege, dieAtEachPoint, type StoreHarm, takeOver, wrongClocks } from './siege.ts';

const directory = mkdtempSync(join(tmpdir(), 'punctual-sqlite-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const options = { lease: 2_000, pollInterval: 200 };
const place = (name: string): string => join(directory, `${name}.db`);
const url = (name: string): string => `sqlite:${place(name)}`;

/** Another writer of the file holds it for so long; in a thread of its own, since its driver blocks. */
const locked = (file: string, ms: number): StoreHarm => ({
  name: `locked for ${ms} ms`,
  run: async () => {
    const code = `
      const { workerData } = require('node:worker_threads');
      const Database = require('libsql');
      const database = new Database(workerData.file);
      database.prepare('pragma busy_timeout = 10000').all();
      database.exec('begin immediate');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, workerData.ms);
      database.exec('commit');
      database.close();
    `;
    await once(new Worker(code, { eval: true, workerData: { file, ms } }), 'exit');
  },
});

describe('the nemesis on SQLite', () => {
  test('nothing is lost and nothing runs twice, whatever dies', async () => {
    await besiege({ store: { url: url('siege'), ...options }, harms: [locked(place('siege'), 500), locked(place('siege'), 5_000)] });
  });

  test('nothing is lost and nothing runs twice with wrong clocks', async () => {
    await besiege({ store: { url: url('clocks'), ...options }, nodes: wrongClocks });
  });

  test('a process whose disk is full takes nothing from the others', async () => {
    await besiege({ store: { url: url('full'), ...options }, nodes: [{}, {}, { largestFile: 2_000 }] });
  });

  test('a process may die at any point around a call', async () => dieAtEachPoint({ url: url('points'), ...options }));

  test('what a killed process ran begins elsewhere within its lease and a pass', async () =>
    takeOver({ url: url('takeover'), lease: 1_000, pollInterval: 100 }, 50));
});
