package service

import "testing"

func TestAppendNewestDropsTheOldestItems(t *testing.T) {
	list := make([]int, maxKept)
	list[1] = 7
	if list = AppendNewest(list, 1, 2); len(list) != maxKept || list[maxKept-1] != 2 {
		t.Errorf("%d items, the last is %d", len(list), list[len(list)-1])
	}
}
