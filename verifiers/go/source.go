package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	maxBundle  = tileWidth * (2 + 0xffff)
	maxNote    = 1 << 20
	keptTiles  = 4096
)

var errMissing = errors.New("there is no such file")

// A source has the public files of a log, by their names below its prefix.
type source func(path string, limit int64) ([]byte, error)

func newSource(place string) source {
	if strings.HasPrefix(place, "http://") || strings.HasPrefix(place, "https://") {
		client := &http.Client{Timeout: 30 * time.Second}
		return func(path string, limit int64) ([]byte, error) { return fetch(client, place, path, limit) }
	}
	return func(path string, limit int64) ([]byte, error) {
		file, err := os.Open(filepath.Join(place, path))
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w", path, errMissing)
		} else if err != nil {
			return nil, err
		}
		defer file.Close()
		return readLimited(file, path, limit)
	}
}

func fetch(client *http.Client, prefix, path string, limit int64) ([]byte, error) {
	reply, err := client.Get(strings.TrimRight(prefix, "/") + "/" + path)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	switch reply.StatusCode {
	case http.StatusOK:
		return readLimited(reply.Body, path, limit)
	case http.StatusNotFound, http.StatusGone:
		return nil, fmt.Errorf("%s: %w", path, errMissing)
	default:
		return nil, fmt.Errorf("%s: the server answers %s", path, reply.Status)
	}
}

func readLimited(r io.Reader, path string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return data, err
}

// tilePath is the name of a tile or bundle in C2SP tlog-tiles, which has no height in it.
func tilePath(level string, index int64, width int) string {
	path := fmt.Sprintf("%03d", index%1000)
	for index /= 1000; index > 0; index /= 1000 {
		path = fmt.Sprintf("x%03d/%s", index%1000, path)
	}
	if width < tileWidth {
		path += fmt.Sprintf(".p/%d", width)
	}
	return "tile/" + level + "/" + path
}

// readPrefix reads a partial file, or the full one where the partial one was removed; then there is more behind
// what was asked for, and longer is true.
func (s source) readPrefix(level string, index int64, width int, limit int64) (data []byte, longer bool, err error) {
	data, err = s(tilePath(level, index, width), limit)
	if errors.Is(err, errMissing) && width < tileWidth {
		data, err = s(tilePath(level, index, tileWidth), limit)
		return data, true, err
	}
	return data, false, err
}

// tiles lets tlog.TileHashReader read tiles; it authenticates each of them against the root.
type tiles struct {
	source source
	kept   map[tlog.Tile][]byte // tiles that were authenticated
}

func (t *tiles) Height() int { return tileHeight }

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for i, tile := range wanted {
		if data, ok := t.kept[tile]; ok {
			found[i] = data
			continue
		}
		data, longer, err := t.source.readPrefix(fmt.Sprint(tile.L), tile.N, tile.W, tileWidth*tlog.HashSize)
		if err != nil {
			return nil, err
		}
		if size := tile.W * tlog.HashSize; len(data) < size || len(data) > size && !longer {
			return nil, fmt.Errorf("tile %d of level %d has %d bytes, not %d", tile.N, tile.L, len(data), size)
		}
		found[i] = data[:tile.W*tlog.HashSize]
	}
	return found, nil
}

func (t *tiles) SaveTiles(authentic []tlog.Tile, data [][]byte) {
	if len(t.kept) > keptTiles {
		t.kept = make(map[tlog.Tile][]byte)
	}
	for i, tile := range authentic {
		t.kept[tile] = data[i]
	}
}
