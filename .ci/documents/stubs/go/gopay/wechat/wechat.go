// Package wechat is not gopay's, but a stand-in that makes URL, signature and body in the same way. The paths of the real
// one begin with a slash and are put behind BaseURL as they are. It does not check the server's certificate; this one
// does, against SSL_CERT_FILE.
package wechat

import (
	"context"
	"crypto/md5"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"

	"github.com/go-pay/gopay"
)

const sendCashRed = "/mmpaymkttransfers/sendredpack"

// Client has the fields of the real one that the documents set.
type Client struct {
	AppId   string
	MchId   string
	ApiKey  string
	BaseURL string
	http    *http.Client
}

// SendCashRedResponse has the fields of the real one that the documents read.
type SendCashRedResponse struct {
	ReturnCode string `xml:"return_code"`
	ResultCode string `xml:"result_code"`
	ErrCode    string `xml:"err_code"`
	SendListid string `xml:"send_listid"`
}

// NewClient has the signature of the real one.
func NewClient(appId, mchId, apiKey string, isProd bool) *Client {
	return &Client{AppId: appId, MchId: mchId, ApiKey: apiKey, http: &http.Client{}}
}

// AddCertPemFilePath has the signature of the real one.
func (w *Client) AddCertPemFilePath(certFilePath, keyFilePath string) error {
	certificate, err := tls.LoadX509KeyPair(certFilePath, keyFilePath)
	if err != nil {
		return err
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	w.http = &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	return nil
}

// SendCashRed has the signature of the real one.
func (w *Client) SendCashRed(ctx context.Context, bm gopay.BodyMap) (*SendCashRedResponse, error) {
	needed := []string{"nonce_str", "mch_billno", "wxappid", "send_name", "re_openid", "total_amount", "total_num",
		"wishing", "client_ip", "act_name", "remark"}
	for _, name := range needed {
		if bm[name] == nil || bm[name] == "" {
			return nil, errors.New(name + " is missing")
		}
	}
	bm["mch_id"] = w.MchId
	names := make([]string, 0, len(bm))
	for name := range bm {
		names = append(names, name)
	}
	sort.Strings(names)
	joined, body := "", "<xml>"
	for _, name := range names {
		joined += fmt.Sprintf("%s=%v&", name, bm[name])
		body += fmt.Sprintf("<%s><![CDATA[%v]]></%s>", name, bm[name], name)
	}
	body += fmt.Sprintf("<sign>%X</sign></xml>", md5.Sum([]byte(joined+"key="+w.ApiKey)))
	base := w.BaseURL
	if base == "" {
		base = "https://api.mch.weixin.qq.com"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+sendCashRed, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := w.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP Request Error, StatusCode = %d", response.StatusCode)
	}
	red := new(SendCashRedResponse)
	return red, xml.Unmarshal(answer, red)
}
