/** Keeps the ledger of each (subject, interface) from the counts that taps and intakes keep anyway. */
import type { IntakeCounts } from "./intake.ts";
import {
  addLedgerCounts,
  type CaptureSubject,
  emptyLedgerCounts,
  type LedgerCounts,
  type LedgerEntry,
  subjectKey,
} from "./plan.ts";
import type { Tap } from "./tap.ts";
import { trafficClassesOf } from "./traffic-class.ts";

interface Account {
  subject: CaptureSubject;
  readonly interfaceName: string;
  /** What was counted by taps that are closed since, or while the subject was attached before. */
  readonly folded: LedgerCounts;
  open: { readonly tap: Tap; readonly base: Base } | null;
}

/** Where the counts of a tap stood when a subject was attached to it. */
interface Base {
  readonly packetsRead: number;
  readonly drops: number;
  readonly counts: IntakeCounts;
}

export interface Ledger {
  /** Makes `subjects` those that count on the tap from the next packet that is read: others' counts end, new ones' begin. */
  reattach(tap: Tap, subjects: readonly CaptureSubject[]): void;
  /** Ends the count of every subject on the tap, which has been read to its end. */
  detach(tap: Tap): void;
  entries(): LedgerEntry[];
  /** The sum of the subject's accounts, also of those that were forgotten while it lasted. */
  totalOf(key: string): LedgerCounts;
  /** How often a tap was attached to the subject. */
  attachmentsOf(key: string): number;
  /**
   * Forgets subjects that are not attached anywhere and not in `keys`, and the oldest of too many interfaces
   * that subjects were attached to once. What entries() told is told no more.
   */
  forget(keys: ReadonlySet<string>): void;
}

/** Every report holds every account, and on a host of containers interfaces come and go for ever. */
const closedAccountsMax = 256;

export function createLedger(): Ledger {
  const accounts = new Map<string, Account>();
  const histories = new Map<string, History>();
  const historyOf = (key: string): History => {
    const history = histories.get(key) ?? createHistory();
    histories.set(key, history);
    return history;
  };
  const endCounts = (tap: Tap, kept: ReadonlySet<string>, atReadPosition: boolean): void => {
    for (const account of accounts.values()) {
      if (account.open?.tap !== tap || kept.has(attachment(account.subject))) continue;
      const counts = countsSince(account.subject, tap, account.open.base);
      // What was not read yet comes after the subject's time.
      if (atReadPosition) counts.seen -= counts.unread;
      if (atReadPosition) counts.unread = 0;
      addLedgerCounts(account.folded, counts);
      account.open = null;
    }
  };
  return {
    reattach(tap, subjects) {
      endCounts(tap, new Set(subjects.map(attachment)), true);
      for (const subject of subjects) {
        const key = subjectKey(subject);
        const name = `${key} ${tap.name}`;
        const account = accounts.get(name) ?? createAccount(subject, tap.name);
        if (account.open?.tap === tap) continue;
        account.subject = subject;
        account.open = { tap, base: baseOf(tap) };
        accounts.set(name, account);
        const history = historyOf(key);
        history.accounts.add(account);
        history.attachments++;
      }
    },
    detach: (tap) => endCounts(tap, new Set(), false),
    entries: () => [...accounts.values()].map(entryOf),
    totalOf(key) {
      const history = histories.get(key);
      const total = { ...(history?.forgotten ?? emptyLedgerCounts()) };
      for (const account of history?.accounts ?? []) addLedgerCounts(total, countsOf(account));
      return total;
    },
    attachmentsOf: (key) => histories.get(key)?.attachments ?? 0,
    forget(keys) {
      const closed = [...accounts].filter(([, { open }]) => open === null);
      const excess = closed.length - closedAccountsMax;
      for (const [index, [name, account]] of closed.entries()) {
        const key = subjectKey(account.subject);
        if (index >= excess && keys.has(key)) continue;
        accounts.delete(name);
        const history = historyOf(key);
        history.accounts.delete(account);
        addLedgerCounts(history.forgotten, account.folded);
      }
      for (const key of histories.keys()) if (!keys.has(key)) histories.delete(key);
    },
  };
}

/** What is kept of a subject for as long as it lasts. */
interface History {
  readonly accounts: Set<Account>;
  /** Of accounts that are told no more. */
  readonly forgotten: LedgerCounts;
  attachments: number;
}

function createHistory(): History {
  return { accounts: new Set(), forgotten: emptyLedgerCounts(), attachments: 0 };
}

function createAccount(subject: CaptureSubject, interfaceName: string): Account {
  return { subject, interfaceName, folded: emptyLedgerCounts(), open: null };
}

/** A subject whose scope or filter changed selects by another rule: its count ends and begins anew. */
function attachment(subject: CaptureSubject): string {
  return `${subjectKey(subject)} ${trafficClassesOf(subject)}`;
}

function baseOf(tap: Tap): Base {
  const { counts } = tap.intake;
  return {
    packetsRead: tap.packetsRead(),
    drops: tap.counts().drops,
    counts: { ...counts, classes: counts.classes.slice() },
  };
}

function entryOf(account: Account): LedgerEntry {
  const { flowLogId, resourceId } = account.subject;
  return { flowLogId, resourceId, interfaceName: account.interfaceName, ...countsOf(account) };
}

function countsOf({ subject, folded, open }: Account): LedgerCounts {
  const counts = { ...folded };
  if (open !== null) addLedgerCounts(counts, countsSince(subject, open.tap, open.base));
  return counts;
}

function countsSince(subject: CaptureSubject, tap: Tap, base: Base): LedgerCounts {
  const { packets, drops } = tap.counts();
  const now = tap.intake.counts;
  const since = (name: Exclude<keyof IntakeCounts, "classes">): number => now[name] - base.counts[name];
  const wanted = trafficClassesOf(subject);
  let metered = 0;
  let leftOut = 0;
  for (const [trafficClass, count] of now.classes.entries()) {
    const counted = count - base.counts.classes[trafficClass]!;
    if ((wanted & (1 << trafficClass)) === 0) leftOut += counted;
    else metered += counted;
  }
  return {
    seen: packets - base.packetsRead - base.drops,
    metered,
    kernelDrops: drops - base.drops,
    undecodable: since("undecodable"),
    excluded: since("excluded"),
    notSelected: since("notIp") + since("notSelected") + leftOut,
    sampledOut: 0,
    unread: packets - drops - tap.packetsRead(),
  };
}
