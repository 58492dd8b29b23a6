import { testSyncFunction } from "../_shared/testing/sync_contract.ts";

testSyncFunction("instagram", () => import("./index.ts"));
