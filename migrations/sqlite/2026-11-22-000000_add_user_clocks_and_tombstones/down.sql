DROP TABLE feed;
DROP TABLE tombstones;
DROP TABLE user_clocks;
