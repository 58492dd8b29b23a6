import { testSyncFunction } from "../_shared/testing/sync_contract.ts";

testSyncFunction("tiktok", () => import("./index.ts"));
